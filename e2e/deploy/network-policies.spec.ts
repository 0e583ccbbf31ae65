import { describe, expect, it } from '@jest/globals';
import { documents, imageSets, SERVICES, text } from './configuration.js';
import { FOLDER, ofKind, rendered } from './kubernetes-model.js';
import { NetworkPolicies, type Endpoint, type Port } from './network-policy.js';

const all = rendered('overlays/production');
const jobs = ['migrate', 'command-line'].flatMap((folder) => rendered(folder) ?? []);
const ifRendered = all ? describe : describe.skip;
const policies = new NetworkPolicies(all ?? []);

interface Workload {
  template: {
    metadata: { labels: Record<string, string> };
    spec: { containers: { ports?: { name: string; containerPort: number }[] }[] };
  };
}

const pods = new Map<string, Endpoint>(
  [...ofKind<Workload>(all ?? [], 'Deployment'), ...ofKind<Workload>(jobs, 'Job')].map(({ metadata, spec }) => {
    const ports = (spec.template.spec.containers[0]!.ports ?? []).map((port) => [port.name, port.containerPort]);
    const { labels } = spec.template.metadata;
    return [metadata.name, { namespace: 'leaver', labels, ports: Object.fromEntries(ports) }];
  }),
);
const pod = (name: string) => pods.get(name)!;
const nats: Endpoint = {
  namespace: 'leaver',
  labels: { 'app.kubernetes.io/name': 'nats', 'app.kubernetes.io/component': 'nats' },
};
const postgres: Endpoint = { namespace: 'leaver', labels: { 'cnpg.io/cluster': 'leaver-postgres' } };
const elsewhere = (namespace: string, labels: Record<string, string> = {}): Endpoint => ({ namespace, labels });
const API: Port = `TCP ${imageSets('PORT')}`;
const METRICS: Port = `TCP ${imageSets('METRICS_PORT')}`;

ifRendered('the network policies', () => {
  it.each([
    ['the cluster’s DNS', elsewhere('kube-system', { 'k8s-app': 'kube-dns' })],
    ['NodeLocal DNSCache as a pod', elsewhere('kube-system', { 'k8s-app': 'node-local-dns' })],
    ['NodeLocal DNSCache at its link-local address', { ip: '169.254.20.10' }],
  ])('let everybody look up names in %s', (_what, dns) => {
    for (const [name, from] of [...pods, ['nats', nats] as const, ['postgres', postgres] as const])
      for (const port of ['UDP 53', 'TCP 53'] as const)
        expect([name, port, policies.allow(from, dns, port)]).toEqual([name, port, true]);
  });

  it('open nothing else at the address of NodeLocal DNSCache, nor at that of the cloud’s metadata', () => {
    for (const [name, from] of pods)
      for (const [ip, port] of [
        ['169.254.20.10', 'TCP 80'],
        ['169.254.169.254', 'TCP 80'],
        ['169.254.169.254', 'UDP 53'],
      ] as const)
        expect([name, ip, policies.allow(from, { ip }, port)]).toEqual([name, ip, false]);
  });

  it('let a proxy reach the gateway only, and only its API', () => {
    const [route] = ofKind<{ parentRefs: [{ namespace: string }] }>(all!, 'HTTPRoute');
    for (const namespace of ['envoy-gateway-system', 'traefik', route!.spec.parentRefs[0].namespace]) {
      expect([namespace, policies.allow(elsewhere(namespace), pod('gateway'), API)]).toEqual([namespace, true]);
      expect(policies.allow(elsewhere(namespace), pod('gateway'), METRICS)).toBe(false);
      expect(policies.allow(elsewhere(namespace), pod('identity'), API)).toBe(false);
    }
    expect(policies.allow(elsewhere('default'), pod('gateway'), API)).toBe(false);
  });

  it('name the namespaces in the README', () => {
    const readme = text(`${FOLDER}/README.md`);
    const named = documents<object>(text(`${FOLDER}/base/network-policies.yaml`)).flatMap((policy) =>
      [...JSON.stringify(policy).matchAll(/"kubernetes\.io\/metadata\.name":"([^"]+)"|"values":(\[[^\]]+\])/g)].flatMap(
        ([, one, several]) => (one ? [one] : (JSON.parse(several!) as string[])),
      ),
    );
    expect(named.length).toBeGreaterThan(5);
    const own = ['kube-system', 'kube-dns', 'node-local-dns'];
    for (const name of named) if (!own.includes(name)) expect(readme).toContain(`\`${name}\``);
  });

  it('let Prometheus reach the metrics of every service and nothing else', () => {
    for (const name of SERVICES) {
      expect([name, policies.allow(elsewhere('monitoring'), pod(name), METRICS)]).toEqual([name, true]);
      expect([name, policies.allow(elsewhere('monitoring'), pod(name), API)]).toEqual([name, false]);
    }
  });

  it('let every service reach the broker, and only those with a database PostgreSQL', () => {
    for (const name of SERVICES) {
      expect([name, policies.allow(pod(name), nats, 'TCP 4222')]).toEqual([name, true]);
      expect([name, policies.allow(pod(name), postgres, 'TCP 5432')]).toEqual([name, name !== 'gateway']);
    }
    expect(policies.allow(pod('migrate'), postgres, 'TCP 5432')).toBe(true);
  });

  it('let the command line reach the gateway and the broker, and nothing else', () => {
    const commandLine = pod('leaver');
    expect(policies.allow(commandLine, pod('gateway'), API)).toBe(true);
    expect(policies.allow(commandLine, nats, 'TCP 4222')).toBe(true);
    expect(policies.allow(commandLine, pod('gateway'), METRICS)).toBe(false);
    expect(policies.allow(commandLine, pod('identity'), API)).toBe(false);
    expect(policies.allow(commandLine, postgres, 'TCP 5432')).toBe(false);
    expect(policies.allow(commandLine, { ip: '203.0.113.1' }, 'TCP 443')).toBe(false);
  });

  it('isolate services from each other, and from the internet unless they send requests to it', () => {
    expect(policies.allow(pod('messaging'), pod('identity'), API)).toBe(false);
    expect(policies.allow(pod('messaging'), { ip: '203.0.113.1' }, 'TCP 443')).toBe(true);
    expect(policies.allow(pod('messaging'), { ip: '10.0.0.1' }, 'TCP 443')).toBe(false);
    expect(policies.allow(pod('identity'), { ip: '203.0.113.1' }, 'TCP 443')).toBe(false);
  });
});
