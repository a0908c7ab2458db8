"""Why a model predicts what it does: how its output changes when parts of the frames are painted out."""
