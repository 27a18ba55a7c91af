// A worker that lays out a graph: it takes {nodes: [{id, width, height}], edges: [{id,
// from, to}]} and answers with where they go. It runs beside the page, so that a large
// graph does not hold it up.
import dagre from "@dagrejs/dagre";

self.onmessage = ({ data }) => {
  const g = new dagre.graphlib.Graph({ multigraph: true });
  g.setGraph({ rankdir: data.direction, nodesep: 24, ranksep: 44, edgesep: 12, marginx: 12, marginy: 12 });
  g.setDefaultEdgeLabel(() => ({}));
  for (const n of data.nodes) g.setNode(n.id, { width: n.width, height: n.height });
  for (const e of data.edges) g.setEdge(e.from, e.to, {}, e.id);
  dagre.layout(g);
  const at = g.graph();
  self.postMessage({
    key: data.key,
    width: at.width,
    height: at.height,
    nodes: g.nodes().map((id) => ({ id, x: g.node(id).x, y: g.node(id).y })),
    edges: g.edges().map((e) => ({ id: e.name, points: g.edge(e).points })),
  });
};
