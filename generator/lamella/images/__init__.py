"""The user's images: from files to pixels as the network sees them."""
