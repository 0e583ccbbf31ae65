import { ALL_OPERATIONS } from '#libs/contracts';
import { CONSOLE_ASSETS, CONSOLE_SECTIONS } from '../console/console-paths.js';
import { OTHER_PATHS } from '../openapi/other-routes.js';

/** A path match of the Kubernetes Gateway API: `PathPrefix` `/v1` also matches `/v1/users`, but not `/v10`. */
export interface PublicPath {
  type: 'Exact' | 'PathPrefix';
  value: string;
}

/** The files of the documentation page, which are not in the OpenAPI document. */
const PAGE_FILES = '/docs/:asset';

/** The pages of the console and their files, which are not in the OpenAPI document either. */
const CONSOLE = [
  ...CONSOLE_SECTIONS.flatMap((section) => [`/${section}`, `/${section}/:page`]),
  `/${CONSOLE_ASSETS}/:file`,
];

/** The paths that proxies forward to the gateway: all except probes and metrics. */
export function publicPaths(): PublicPath[] {
  const routes = [...ALL_OPERATIONS.map(({ path }) => path), ...Object.keys(OTHER_PATHS), PAGE_FILES, ...CONSOLE];
  const bySection = Map.groupBy(
    routes.map((path) => path.split('/').slice(1)),
    ([section]) => section,
  );
  const paths = [...bySection.values()].map(commonPath);
  return paths.sort((a, b) => (a.value < b.value ? -1 : 1));
}

/** The path that these routes share: a single path, or the longest common prefix without parameters. */
function commonPath(routes: readonly string[][]): PublicPath {
  const [first] = routes as [string[]];
  const end = first.findIndex((step, index) => isParameter(step) || routes.some((route) => route[index] !== step));
  const shared = end === -1 ? first : first.slice(0, end);
  const isAlone = routes.every(({ length }) => length === shared.length);
  return { type: isAlone ? 'Exact' : 'PathPrefix', value: `/${shared.join('/')}` };
}

const isParameter = (step: string): boolean => /^[:{]/.test(step);
