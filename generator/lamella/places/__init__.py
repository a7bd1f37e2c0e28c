"""Where on the image the numbers of a pass lie, and whose channels they carry: one rule for each
kind of operation."""
