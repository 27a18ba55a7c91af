// Package memory searches and writes the memories of graphs: by words, and by meaning where a
// model makes vectors.
//
// The rules of a search:
//
//   - A text is cut into words, see words. They are ranked by BM25 (k1 = 1.2, b = 0.75; S.
//     Robertson and H. Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond",
//     2009), counted over the whole memory. A word that the query repeats counts once.
//   - Where the memory has `embed`, its items are also ranked by the cosine of their vectors
//     and that of the query, exactly: every vector is compared.
//   - The two rankings are joined by the sum of 1 / (60 + rank), with ranks from 1 (G. V.
//     Cormack, C. L. A. Clarke and S. Büttcher, "Reciprocal Rank Fusion outperforms
//     Condorcet and individual Rank Learning Methods", SIGIR 2009).
//   - A condition (`where`) is asked before anything is ranked. What does not hold has no rank.
//   - Of items that are equally good, the one that was written last comes first.
//   - The score is the sum of the two rankings, or that of BM25 where there are no vectors.
//
// A search finds what was committed before it began. Writes go into the result of their
// task, and take effect with the commit of the task's writes.
package memory
