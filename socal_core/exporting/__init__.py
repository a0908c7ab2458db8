"""Hand on what a run has learned: its model as a folder, and its record as a card.

`export.py` writes the folder, `exported.py` predicts with it, `onnx_file.py` adds the model as ONNX. `card.py` collects
the facts of a run, which `card_page.py` renders as HTML; both need no torch.
"""
