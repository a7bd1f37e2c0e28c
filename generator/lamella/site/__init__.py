"""Facts to HTML: the pages of a site, and how they reach the disk."""
