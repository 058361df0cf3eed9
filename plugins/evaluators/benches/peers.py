"""The peer's side of peers.rs: reads one request a line, runs scikit-learn, answers with seconds and objective."""

import json
import sys
import time

import numpy as np
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import TSNE
from sklearn.metrics import silhouette_score
from sklearn.neighbors import NearestNeighbors


def kmeans(x, y, seed):
    start = time.perf_counter()
    model = KMeans(10, n_init=20, random_state=seed).fit(x)
    seconds = time.perf_counter() - start
    # Its own sum is in single precision.
    centers = model.cluster_centers_.astype(np.float64)
    return seconds, ((x - centers[model.labels_]) ** 2).sum()


def logistic(x, y, seed):
    start = time.perf_counter()
    model = LogisticRegression().fit(x, y)
    seconds = time.perf_counter() - start
    logits = x.astype(np.float64) @ model.coef_.T + model.intercept_
    logits -= logits.max(axis=1, keepdims=True)
    losses = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(y)), y]
    return seconds, (losses.sum() + 0.5 * (model.coef_.astype(np.float64) ** 2).sum()) / len(y)


def silhouette(x, y, seed):
    start = time.perf_counter()
    score = silhouette_score(x, y)
    return time.perf_counter() - start, score


def neighbors(x, y, seed):
    queries = x[:10000]
    start = time.perf_counter()
    model = NearestNeighbors(n_neighbors=200, algorithm="brute", n_jobs=2).fit(x)
    distances, indices = model.kneighbors(queries)
    seconds = time.perf_counter() - start
    return seconds, distances.astype(np.float64).sum()


def tsne(x, y, seed):
    start = time.perf_counter()
    model = TSNE(random_state=seed, n_jobs=2)
    points = model.fit_transform(x)
    seconds = time.perf_counter() - start
    points.astype(np.float32).tofile(sys.argv[1])
    return seconds, float(model.kl_divergence_)


PEERS = {f.__name__: f for f in (kmeans, logistic, silhouette, neighbors, tsne)}
for line in sys.stdin:
    request = json.loads(line)
    x = np.fromfile(request["x"], np.float32).reshape(-1, request["width"])
    y = np.fromfile(request["y"], np.int64)
    processor = time.process_time()
    seconds, objective = PEERS[request["peer"]](x, y, request["seed"])
    processor = time.process_time() - processor
    print(json.dumps({"seconds": seconds, "objective": float(objective), "processor": processor}), flush=True)
