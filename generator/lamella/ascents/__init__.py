"""From a layer to its pictures: how large, how many at once, which attempts, and how good they are.

Flow: model + survey -> **ascents** -> panels. Here meet the network (model, activations), what the
survey knows of it, and the engine (optvis), which knows neither.
"""
