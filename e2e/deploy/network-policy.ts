import { BlockList } from 'node:net';
import { includes, ofKind, type Manifest } from './kubernetes-model.js';

type Labels = Record<string, string>;
type Direction = 'Ingress' | 'Egress';

interface Selector {
  matchLabels?: Labels;
  matchExpressions?: { key: string; operator: 'In'; values: string[] }[];
}

interface Peer {
  podSelector?: Selector;
  namespaceSelector?: Selector;
  ipBlock?: { cidr: string; except?: string[] };
}

interface Rule {
  from?: Peer[];
  to?: Peer[];
  ports?: { protocol: string; port: number | string }[];
}

interface Policy {
  podSelector: Selector;
  policyTypes: Direction[];
  ingress?: Rule[];
  egress?: Rule[];
}

/** A pod, or an address outside of the cluster. */
export interface Endpoint {
  namespace?: string;
  labels?: Labels;
  ip?: string;
  /** Ports by name. */
  ports?: Record<string, number>;
}

export type Port = `${'TCP' | 'UDP'} ${number}`;

/** Decides what the policies of namespace `leaver` let through, as a network plugin of Kubernetes does. */
export class NetworkPolicies {
  private readonly policies: Policy[];

  constructor(manifests: Manifest[]) {
    this.policies = ofKind<Policy>(manifests, 'NetworkPolicy').map(({ spec }) => spec);
  }

  /** Whether both ends let a connection through. A policy decides only about pods of its own namespace. */
  allow(from: Endpoint, to: Endpoint, port: Port): boolean {
    return this.decide('Egress', from, to, port, to) && this.decide('Ingress', to, from, port, to);
  }

  private decide(direction: Direction, pod: Endpoint, peer: Endpoint, port: Port, target: Endpoint): boolean {
    if (pod.namespace !== 'leaver') return true;
    const applied = this.policies.filter(
      ({ podSelector, policyTypes }) => policyTypes.includes(direction) && selects(podSelector, pod.labels ?? {}),
    );
    if (applied.length === 0) return true;
    const rules = applied.flatMap(({ ingress = [], egress = [] }) => (direction === 'Ingress' ? ingress : egress));
    return rules.some((rule) => {
      const peers = direction === 'Ingress' ? rule.from : rule.to;
      const matchesPeer = !peers || peers.some((one) => isPeer(one, peer));
      return matchesPeer && (!rule.ports || rule.ports.some((one) => isPort(one, port, target)));
    });
  }
}

function selects({ matchLabels = {}, matchExpressions = [] }: Selector, labels: Labels): boolean {
  return (
    includes(labels, matchLabels) && matchExpressions.every(({ key, values }) => values.includes(labels[key] ?? ''))
  );
}

function isPeer({ podSelector, namespaceSelector, ipBlock }: Peer, { namespace, labels = {}, ip }: Endpoint): boolean {
  if (ipBlock) return ip !== undefined && within(ipBlock, ip);
  if (namespace === undefined) return false;
  const inNamespace = namespaceSelector
    ? selects(namespaceSelector, { 'kubernetes.io/metadata.name': namespace })
    : namespace === 'leaver';
  return inNamespace && (!podSelector || selects(podSelector, labels));
}

function within({ cidr, except = [] }: NonNullable<Peer['ipBlock']>, ip: string): boolean {
  const familyOf = (address: string) => (address.includes(':') ? 'ipv6' : 'ipv4');
  const holds = (range: string) => {
    const [network, bits] = range.split('/') as [string, string];
    // BlockList takes IPv4 addresses for IPv6 ones, too.
    if (familyOf(network) !== familyOf(ip)) return false;
    const list = new BlockList();
    list.addSubnet(network, Number(bits), familyOf(network));
    return list.check(ip, familyOf(ip));
  };
  return holds(cidr) && !except.some(holds);
}

function isPort({ protocol, port }: { protocol: string; port: number | string }, wanted: Port, target: Endpoint) {
  const number = typeof port === 'number' ? port : target.ports?.[port];
  return wanted === `${protocol} ${number}`;
}
