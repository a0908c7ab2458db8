"""The style of all figures: colours that colour-blind readers can distinguish, and a common layout."""

import plotly.graph_objects as go

# Okabe and Ito's palette (2008), https://jfly.uni-koeln.de/color/
SUCCESS = "#0072B2"
FAILURE = "#D55E00"
TRAINING = "#0072B2"
VALIDATION = "#D55E00"
SECOND_SCORE = "#009E73"
NEUTRAL = "#5B7083"
GUIDE = "#9AA5B1"

OUTCOMES = {0: "Failure", 1: "Success"}
"""The names of `success` 0 and 1, in the order of figures and tables."""
OUTCOME_COLOURS = {0: FAILURE, 1: SUCCESS}


def styled(figure: go.Figure, title: str, x: str, y: str, height: int = 360) -> go.Figure:
    """Set the title, the axis titles and the common layout of a figure, and return the same figure."""
    figure.update_layout(
        title={"text": title, "x": 0, "xanchor": "left", "y": 0.98, "yanchor": "top", "font": {"size": 16}},
        height=height,
        margin={"l": 8, "r": 8, "t": 72, "b": 8},
        legend={"orientation": "h", "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom", "title": None},
        hoverlabel={"namelength": -1},
    )
    figure.update_xaxes(title=x, automargin=True)
    figure.update_yaxes(title=y, automargin=True)
    return figure


def with_message(figure: go.Figure, text: str) -> go.Figure:
    """Add a line of text to a figure that has no data yet, and return the same figure."""
    return figure.add_annotation(
        text=text, x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False, font={"size": 15, "color": NEUTRAL}
    )
