import { cyclesIn } from './cycles.mjs';
import { closedDoors } from './doors.mjs';

/** @typedef {import('./sources.mjs').Source} Source */

/** Libraries from the bottom up: each imports only libraries before it. */
const LAYERS = [
  'contracts',
  'csv',
  'scim',
  'database',
  'observability',
  'jobs',
  'broker',
  'auth',
  'outbox',
  'lifecycle',
  'platform',
];
/** Libraries that run servers on this machine and for tests, from the bottom up. Product code imports neither. */
const TOOLS = ['local-servers', 'test-kit'];
/** Folders of libs/lifecycle/src from the bottom up. */
const LIFECYCLE = ['declare', 'sql', 'inbox', 'run', 'later', 'receive', 'ask'];

const ORDERS = 'scripts/lint/borders.mjs';

const BECAUSE = {
  cycle: 'Move what both need into a separate file.',
  service:
    'Services never import each other: they communicate through events and operations. Move what both need into libs/contracts.',
  library: 'Libraries never import services: the service that uses a library passes in what it needs.',
  door: 'The only entry point of a library is its index.ts. Export it there if others may rely on it.',
  example: 'Examples stand for code of other teams: they may import only the published package.',
  layer: `Libraries import only libraries before them in this order: ${LAYERS.join(' < ')}. Move it down, or pass it in.`,
  tools: `${TOOLS.join(' < ')} import only libs/contracts and the libraries before them in this order.`,
  folder: `Folders of libs/lifecycle import only folders before them in this order: ${LIFECYCLE.join(' < ')}. Move it down, or pass it in.`,
  console:
    'The console runs in browsers: it knows the other services by their REST API, and takes its types from `#openapi`.',
  tool: 'Only tests may import it: the product runs without test servers.',
};

/**
 * Imports that the architecture forbids, each as a sentence with the reason.
 * @param {readonly Source[]} sources
 * @returns {string[]}
 */
export function forbiddenImports(sources) {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const rankOf = lifecycleRanks(sources);
  const found = sources.flatMap((from) =>
    from.imports.flatMap((path) => {
      const reason = reasonAgainst(from, /** @type {Source} */ (byPath.get(path)), rankOf);
      return reason ? [`${from.path} imports ${path}. ${BECAUSE[reason]}`] : [];
    }),
  );
  const unplaced = [...new Set(sources.map(({ path }) => unplacedFolder(path)))].filter((name) => name !== undefined);
  const cycles = cyclesIn(sources).map((files) => `${[...files, files[0]].join(' → ')} is a cycle. ${BECAUSE.cycle}`);
  return [
    ...found,
    ...closedDoors(sources),
    ...cycles,
    ...unplaced.map((name) => `${name} has no place in the order. Give it one in ${ORDERS}.`),
  ];
}

/**
 * @param {Source} from
 * @param {Source} to
 * @param {(path: string) => number | undefined} rankOf
 * @returns {keyof typeof BECAUSE | undefined}
 */
function reasonAgainst(from, to, rankOf) {
  const [here, there] = [placeOf(from.path), placeOf(to.path)];
  if (here.example && here.example !== there.example) return 'example';
  if (here.service === 'console' && there.service !== 'console') return 'console';
  if (here.service && there.service && here.service !== there.service) return 'service';
  if (here.library && there.service) return 'library';
  if (there.library && here.library !== there.library && !/\/(src|testing)\/index\.ts$/.test(to.path)) return 'door';
  if (isProduct(from) && there.library && (TOOLS.includes(there.library) || to.isTest)) return 'tool';
  if (here.library && there.library && here.library !== there.library) {
    const isTool = TOOLS.includes(here.library);
    const below = isTool ? [LAYERS[0], ...before(TOOLS, here.library)] : before(LAYERS, here.library);
    const forTests = from.isTest ? TOOLS : [];
    if (![...below, ...forTests].includes(there.library)) return isTool ? 'tools' : 'layer';
  }
  const [own, other] = [rankOf(from.path), rankOf(to.path)];
  return own !== undefined && other !== undefined && !from.isTest && other > own ? 'folder' : undefined;
}

/**
 * @param {readonly string[]} order
 * @param {string} name
 */
const before = (order, name) => order.slice(0, Math.max(0, order.indexOf(name)));

/** @param {string} path */
function unplacedFolder(path) {
  const [, library = '', , folder] = /^libs\/([^/]+)\/(src\/([^/]+)\/)?/.exec(path) ?? [];
  if (library && ![...LAYERS, ...TOOLS].includes(library)) return `libs/${library}`;
  if (library === 'lifecycle' && folder && !LIFECYCLE.includes(folder)) return `libs/lifecycle/src/${folder}`;
  return undefined;
}

/** @param {string} path */
function placeOf(path) {
  const [top, name] = path.split('/');
  return {
    service: top === 'services' ? name : undefined,
    library: top === 'libs' ? name : undefined,
    example: top === 'examples' ? name : undefined,
  };
}

/** @param {Source} source */
const isProduct = ({ path, isTest }) =>
  !isTest && /^(libs|services)\//.test(path) && !TOOLS.includes(/** @type {string} */ (placeOf(path).library));

/**
 * The rank of a file in libs/lifecycle/src: its folder's place in the order. A file directly in src has the rank of the
 * highest folder that it imports.
 * @param {readonly Source[]} sources
 */
function lifecycleRanks(sources) {
  const SRC = 'libs/lifecycle/src/';
  const own = new Map(sources.filter(({ path }) => path.startsWith(SRC)).map((source) => [source.path, source]));
  /** @type {Map<string, number>} */
  const known = new Map();
  /**
   * @param {string} path
   * @returns {number | undefined}
   */
  const rankOf = (path) => {
    const source = own.get(path);
    if (!source) return undefined;
    const parts = path.slice(SRC.length).split('/');
    if (parts.length > 1) return LIFECYCLE.indexOf(/** @type {string} */ (parts[0]));
    const before = known.get(path);
    if (before !== undefined) return before;
    known.set(path, -1);
    const rank = Math.max(-1, ...source.imports.map((next) => rankOf(next) ?? -1));
    known.set(path, rank);
    return rank;
  };
  return rankOf;
}
