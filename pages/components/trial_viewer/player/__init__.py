"""The player: frames, boxes, timeline and table of one trial, which the browser draws without the server."""
