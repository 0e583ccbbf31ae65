// node scripts/public-paths.mjs: writes the paths that the gateway's contracts declare as public into the configuration of
// proxies. Needs the packages (npm start, npm test).
/** @import { PublicPath } from '../services/gateway/src/http/public-paths.ts' */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { replaceBetween } from './lib/generated.mjs';
import { ensureBuilt, ensureInstalled, isThisNode, main, run } from './lib/prepare.mjs';
import { root } from './lib/root.mjs';

export const ROUTE_FILE = 'deploy/kubernetes/public/http-route.yaml';
export const PROXY_FILE = 'deploy/proxy/haproxy.cfg';

/** What versions of the Gateway API before 1.2 allow in a rule. */
const MOST_MATCHES = 8;

/** @param {string[]} matches */
const ruleOf = (matches) => `    - matches:
${matches.join('\n')}
      backendRefs: [{ name: gateway, port: 80 }]
      # Live progress and large uploads last longer than the usual limit of proxies.
      timeouts: { request: 0s }
`;

/**
 * The HTTPRoute, to which kustomization.yaml adds the Gateway and the host.
 * @param {PublicPath[]} paths
 */
export function httpRoute(paths) {
  /** @param {PublicPath['type']} wanted */
  const matches = (wanted) =>
    paths
      .filter(({ type }) => type === wanted)
      .map(({ type, value }) => `        - path: { type: ${type}, value: ${value} }`);
  const prefixes = [];
  for (let from = 0; from < matches('PathPrefix').length; from += MOST_MATCHES)
    prefixes.push(matches('PathPrefix').slice(from, from + MOST_MATCHES));
  return `# Written by node scripts/public-paths.mjs: all that is public. Probes and metrics are not.
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: gateway
spec:
  rules:
    - matches:
${matches('Exact').join('\n')}
      backendRefs: [{ name: gateway, port: 80 }]
${prefixes.map(ruleOf).join('')}`;
}

const LINES = {
  begin: '  # Public paths, written by node scripts/public-paths.mjs',
  end: '  # End of public paths',
};

/**
 * The configuration of HAProxy with these paths in place of those in it.
 * @param {string} configuration
 * @param {PublicPath[]} paths
 */
export function withPublicPaths(configuration, paths) {
  const prefixes = paths.filter(({ type }) => type === 'PathPrefix').map(({ value }) => `${value}/`);
  const rules = [
    `  acl public path ${paths.map(({ value }) => value).join(' ')}`,
    `  acl public path_beg ${prefixes.join(' ')}`,
    '  http-request deny deny_status 404 unless public',
  ];
  return replaceBetween(configuration, LINES, rules.join('\n'));
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  await main(async () => {
    const node = await ensureInstalled();
    if (!isThisNode(node)) return run(node, [fileURLToPath(import.meta.url)]);
    await ensureBuilt(node);
    const compiled = join(root, 'dist/services/gateway/src/http/public-paths.js');
    const { publicPaths } = /** @type {typeof import('../services/gateway/src/http/public-paths.ts')} */ (
      await import(pathToFileURL(compiled).href)
    );
    const proxy = join(root, PROXY_FILE);
    await writeFile(join(root, ROUTE_FILE), httpRoute(publicPaths()));
    await writeFile(proxy, withPublicPaths(await readFile(proxy, 'utf8'), publicPaths()));
  });
}
