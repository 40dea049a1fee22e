"""PyTorch as a peer: `train BATCH STEPS` trains 784-128-10 with Adam, `adam N STEPS` steps Adam over N float32
parameters, single thread. With LAG_PEER_BEST=1 denormals are flushed; the BLAS kernels are those that the environment
(OPENBLAS_CORETYPE) names. Prints one JSON object."""
import gzip
import json
import os
import sys
import time

import numpy as np
import torch

torch.set_num_threads(1)
if os.environ.get("LAG_PEER_BEST"):
    torch.set_flush_denormal(True)


def read(name, header):
    with gzip.open("/usr/share/datasets/fashion-mnist/" + name, "rb") as file:
        return np.frombuffer(file.read(), np.uint8, offset=header)


def train(batch, steps):
    image = torch.from_numpy(read("train-images-idx3-ubyte.gz", 16).reshape(60000, 784).astype(np.float32) / 255)
    label = torch.from_numpy(read("train-labels-idx1-ubyte.gz", 8).astype(np.int64))
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(784, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    loss_of = torch.nn.CrossEntropyLoss()

    def go(count):
        done = 0
        while done < count:
            order = torch.randperm(60000)
            for at in range(0, 60000 - batch + 1, batch):
                rows = order[at:at + batch]
                optimizer.zero_grad()
                loss = loss_of(model(image[rows]), label[rows])
                loss.backward()
                optimizer.step()
                done += 1
                if done == count:
                    break
        return float(loss)

    go(50)
    start = time.perf_counter()
    loss = go(steps)
    took = time.perf_counter() - start
    return {"samples_per_s": batch * steps / took, "loss": loss}


def adam(n, steps):
    x = torch.randn(n, requires_grad=True)
    optimizer = torch.optim.Adam([x], lr=1e-3)
    x.grad = torch.randn(n)
    optimizer.step()
    start = time.perf_counter()
    for _ in range(steps):
        optimizer.step()
    return {"ns_per_parameter": (time.perf_counter() - start) / steps / n * 1e9}


print(json.dumps({"train": train, "adam": adam}[sys.argv[1]](int(sys.argv[2]), int(sys.argv[3]))))
