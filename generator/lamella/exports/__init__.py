"""What readers carry away: citations, figures, archives, and units in Python."""
