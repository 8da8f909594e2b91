"""`make demo-lab`: four releases on a real control plane and a real mesh, told as they happen, then proved.

`story` acts, `witness` observes without us, `timeline` tells it; `facts` and `figures` judge the record.
"""
