/**
 * Finds a shortest cycle for each group of files that import each other.
 * @param {readonly import('./sources.mjs').Source[]} sources
 * @returns {string[][]} the files of a cycle, each of which imports the next one
 */
export function cyclesIn(sources) {
  const imports = new Map(sources.map((source) => [source.path, source.imports]));
  return groups(imports).map((group) => {
    const rings = group.map((path) => shortestWayBack(path, imports));
    return rings.reduce((shortest, ring) => (ring.length < shortest.length ? ring : shortest));
  });
}

/** @typedef {ReadonlyMap<string, readonly string[]>} Imports */

/**
 * Tarjan's strongly connected components, without those of a single file.
 * @param {Imports} imports
 */
function groups(imports) {
  /** @type {Map<string, { index: number, low: number }>} */
  const seen = new Map();
  /** @type {string[]} */
  const stack = [];
  /** @type {string[][]} */
  const found = [];
  /** @param {string} path */
  const visit = (path) => {
    const self = { index: seen.size, low: seen.size };
    seen.set(path, self);
    const bottom = stack.push(path) - 1;
    for (const next of imports.get(path) ?? []) {
      const other = seen.get(next) ?? visit(next);
      self.low = Math.min(self.low, other.low);
    }
    if (self.low < self.index) return self;
    const group = stack.splice(bottom);
    if (group.length > 1 || imports.get(path)?.includes(path)) found.push(group);
    // Files of a finished group cannot lead back to the current path.
    for (const member of group) seen.set(member, { index: self.index, low: Infinity });
    return { index: self.index, low: Infinity };
  };
  for (const path of imports.keys()) if (!seen.has(path)) visit(path);
  return found;
}

/**
 * @param {string} start a file that is part of a cycle
 * @param {Imports} imports
 */
function shortestWayBack(start, imports) {
  /** @type {Map<string, string>} */
  const cameFrom = new Map();
  const queue = [start];
  for (const path of queue) {
    for (const next of imports.get(path) ?? []) {
      if (cameFrom.has(next)) continue;
      cameFrom.set(next, path);
      queue.push(next);
    }
    if (cameFrom.has(start)) break;
  }
  const way = [start];
  for (let at = cameFrom.get(start); at !== undefined && at !== start; at = cameFrom.get(at)) way.unshift(at);
  return [start, ...way.slice(0, -1)];
}
