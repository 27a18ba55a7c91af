// A worker that lays out a graph: it takes the widths of nodes, their height, and edges as
// pairs of their places in that list, and answers with numbers: where nodes have their
// middle and which points edges go through, x and y by turns. It runs beside the page, so
// that a large graph does not hold it up.
import dagre from "@dagrejs/dagre";

const round = (x) => Math.round(x * 10) / 10;

self.onmessage = ({ data }) => {
  const g = new dagre.graphlib.Graph({ multigraph: true });
  g.setGraph({ rankdir: data.direction, nodesep: 24, ranksep: 44, edgesep: 12, marginx: 12, marginy: 12 });
  g.setDefaultEdgeLabel(() => ({}));
  data.widths.forEach((width, i) => g.setNode(String(i), { width, height: data.height }));
  data.edges.forEach(([from, to], i) => g.setEdge(String(from), String(to), {}, String(i)));
  dagre.layout(g);
  const { width, height } = g.graph();
  const laid = {
    width: round(width),
    height: round(height),
    nodes: data.widths.flatMap((_, i) => [round(g.node(String(i)).x), round(g.node(String(i)).y)]),
    edges: data.edges.map(([from, to], i) => g.edge(String(from), String(to), String(i)).points.flatMap((p) => [round(p.x), round(p.y)])),
  };
  self.postMessage({ key: data.key, laid });
};
