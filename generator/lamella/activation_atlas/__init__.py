"""An activation atlas: what a layer says anywhere in the photographs, laid out and drawn.

Flow: model + images -> spaces -> sampling -> layout -> grid -> naming, pictures -> sheet -> store,
and store -> page. spaces, grid, drafts, sheet and page import no torch.

Source: Carter, Armstrong, Schubert, Johnson and Olah, "Activation Atlas", Distill 2019,
doi:10.23915/distill.00015.
"""
