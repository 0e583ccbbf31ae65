import { describe, expect, it } from '@jest/globals';
import { httpRoute, PROXY_FILE, ROUTE_FILE, withPublicPaths } from '../../scripts/public-paths.mjs';
import { publicPaths } from '../../services/gateway/src/http/public-paths.js';
import { text } from './configuration.js';
import { ofKind, rendered } from './kubernetes-model.js';

interface Route {
  parentRefs: [{ name: string; namespace: string }];
  hostnames: string[];
  rules: {
    matches: { path: { type: string; value: string } }[];
    backendRefs: { name: string; port: number }[];
    timeouts?: { request: string };
  }[];
}

interface Workload {
  template: { spec: { containers: [{ env: { name: string; value: string }[] }] } };
}

describe('what proxies publish', () => {
  it.each([
    [ROUTE_FILE, httpRoute(publicPaths())],
    [PROXY_FILE, withPublicPaths(text(PROXY_FILE), publicPaths())],
  ])('%s is as `node scripts/public-paths.mjs` writes it', (path, expected) => {
    expect(text(path)).toBe(expected);
  });

  it.each([
    ['/', true],
    ['/v1/users', true],
    ['/scim/v2', true],
    ['/p/a-token', true],
    ['/docs', true],
    ['/asyncapi.json', true],
    ['/health/ready', false],
    ['/metrics', false],
    ['/people', true],
    ['/people/019b3c5e-7a10-7c44-9d2e-5f60718293a4', true],
    ['/assets/index.js', true],
    ['/persons', false],
    ['/v10', false],
  ])('HAProxy: %s is forwarded: %s', (path, forwarded) => {
    const conditions = [...text(PROXY_FILE).matchAll(/^ {2}acl public (path|path_beg) (.+)$/gm)];
    const matches = conditions.some(([, kind, values]) =>
      values!.split(' ').some((value) => (kind === 'path' ? path === value : path.startsWith(value))),
    );
    expect(matches).toBe(forwarded);
    expect(text(PROXY_FILE)).toContain('http-request deny deny_status 404 unless public\n');
  });
});

const production = rendered('overlays/production');
const ifRendered = production ? describe : describe.skip;

ifRendered('the HTTPRoute', () => {
  const [route] = ofKind<Route>(production ?? [], 'HTTPRoute');
  const { rules, parentRefs, hostnames } = route?.spec ?? ({} as Route);

  it('names a Gateway and a host', () => {
    expect(parentRefs).toEqual([{ name: expect.any(String), namespace: expect.any(String) }]);
    expect(hostnames).toHaveLength(1);
  });

  it.each(['gateway', 'identity'])('is for the host that %s knows, for links and passkeys', (service) => {
    const [workload] = ofKind<Workload>(production!, 'Deployment').filter(({ metadata }) => metadata.name === service);
    const env = workload!.spec.template.spec.containers[0].env;
    const { value } = env.find(({ name }) => name === 'PUBLIC_URL')!;
    expect(value).toBe(`https://${hostnames[0]}`);
  });

  it('leads to the Service of the gateway', () => {
    const services = ofKind<{ ports: { port: number }[] }>(production!, 'Service');
    const gateway = services.find(({ metadata }) => metadata.name === 'gateway')!;
    const backend = { name: gateway.metadata.name, port: gateway.spec.ports[0]!.port };
    for (const { backendRefs } of rules) expect(backendRefs).toEqual([backend]);
  });

  it('has as many matches in a rule as every version of the Gateway API allows', () => {
    for (const { matches } of rules) expect(matches.length).toBeLessThanOrEqual(8);
  });

  it('lets requests to the API take as long as they need', () => {
    const api = rules.find(({ matches }) => matches.some(({ path }) => path.value === '/v1'))!;
    expect(api.timeouts).toEqual({ request: '0s' });
  });
});
