"""The texts and pictures of the Guide page. `python -m scripts.write_guide_pictures` takes the pictures."""
