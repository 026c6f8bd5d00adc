"""Compiled inference for neural models of known shapes, and which kernel plays which model.

Each kernel module states which networks it takes (`takes`), the unit of compiled code for a
network's shape (`unit`) and the memory it starts from (`make_state`); its ``compile`` runs in the
compiling process only. All run one channel at the model's own rate, under the processors' ABI.
"""
