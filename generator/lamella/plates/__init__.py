"""The figures of Distill's article for one unit: what they are made of, and what is said of them.

Flow: survey + optvis -> **plates** -> panels. `choice` finds the unit; `recipes`, `regularized` and
`taught` list the pictures; `press` makes them, `told` puts their settings into words; `words` holds
the text of the page.
"""
