import { describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import {
  certificateSecrets,
  secret,
  SERVERS,
  TRUSTED,
  type Secret,
} from '../../deploy/container/kubernetes-certificates.mjs';
import { manifests } from '../../deploy/container/kubernetes-secrets.mjs';
import { decoded, documents, file, secretsToTry, text } from './configuration.js';
import { faultsOf, FOLDER, ofKind, rendered, type Manifest } from './kubernetes-model.js';

const POSTGRES = ['postgres/production.yaml', 'postgres/small.yaml'];
const pods = ['overlays/production', 'migrate', 'command-line'].map(rendered);
const ifRendered = pods[0] ? describe : describe.skip;

const secrets = secretsToTry({ trusted: TRUSTED, authority: '' });
const secretManifests = manifests(secrets);

const filesOf = (secrets: readonly Secret[], name: string) =>
  decoded(secrets.find(({ metadata }) => metadata.name === name)!.data);

describe('the secrets that the image makes', () => {
  it('are valid for Kubernetes', async () => {
    expect(secretManifests.length).toBeGreaterThan(0);
    for (const secret of secretManifests) expect(await faultsOf(secret)).toEqual([]);
  });

  it('give each user of the broker exactly its permissions', () => {
    const { accounts } = JSON.parse(filesOf(secretManifests, 'leaver-nats-users')['users.conf']!) as {
      accounts: BrokerUsers;
    };
    const users = Object.values(accounts).flatMap((account) => account.users);
    const allowed = users.map(({ user, permissions }) => [user, permissions.publish.allow]);
    const all = secrets.brokerUsers().map(({ name, publish }) => [name, publish]);
    expect(allowed.sort()).toEqual(all.sort());
  });
});

type BrokerUsers = Record<string, { users: { user: string; permissions: { publish: { allow: unknown } } }[] }>;

describe('the certificates that the image makes for Kubernetes', () => {
  it('are valid Secrets, of servers at their Services, from a CA that the servers do not have the key of', async () => {
    const made = await certificateSecrets(new Date());
    for (const one of made) expect([one.metadata.name, await faultsOf(one)]).toEqual([one.metadata.name, []]);
    const authority = new X509Certificate(filesOf(made, 'leaver-ca')['tls.crt']!);
    for (const { secret: name, names } of SERVERS) {
      const files = filesOf(made, name);
      const certificate = new X509Certificate(files['tls.crt']!);
      expect([certificate.verify(authority.publicKey), files['ca.crt']]).toEqual([true, authority.toString()]);
      for (const host of names) expect(certificate.subjectAltName).toContain(`DNS:${host}`);
      expect(Object.values(files)).not.toContain(filesOf(made, 'leaver-ca')['tls.key']);
    }
  });

  it('have the names of the hosts in the addresses of services and jobs', () => {
    const [postgres, nats] = SERVERS.map(({ names }) => names);
    expect(postgres).toContain('leaver-postgres-rw');
    expect(nats).toContain('leaver-nats');
    const [cluster] = documents<Manifest>(text(`${FOLDER}/${POSTGRES[0]}`));
    expect(postgres).toContain(`${cluster!.metadata.name}-rw`);
  });

  it('are what PostgreSQL and NATS use, which refuse other connections', () => {
    for (const path of POSTGRES)
      expect(documents<Manifest>(text(`${FOLDER}/${path}`))[0]!.spec).toMatchObject({
        certificates: { serverTLSSecret: 'leaver-postgres-tls', serverCASecret: 'leaver-postgres-tls' },
        postgresql: { pg_hba: ['hostnossl all all all reject'] },
      });
    const tls = { enabled: true, secretName: 'leaver-nats-tls' };
    expect(documents(text(`${FOLDER}/nats/production.yaml`))[0]).toMatchObject({
      config: { nats: { tls }, cluster: { tls } },
      tlsCA: tls,
    });
  });
});

describe('the job kubernetes-certificates', () => {
  const run = (stored: readonly Secret[], ...options: string[]) => {
    const words = [file('deploy/container/main.mjs'), 'kubernetes-certificates', ...options];
    const input = JSON.stringify({ kind: 'List', items: stored });
    const { items } = JSON.parse(execFileSync(process.execPath, words, { encoding: 'utf8', input })) as {
      items: Secret[];
    };
    return items;
  };
  const names = (secrets: readonly Secret[]) => secrets.map(({ metadata }) => metadata.name);
  const servers = SERVERS.map((server) => server.secret);
  const current = secretManifests;
  /** As releases without TLS have made them. */
  const former = current.map(({ metadata, data }) => {
    const files = Object.entries(decoded(data)).map(([key, value]) => [
      key,
      key.endsWith('-url') ? value.replace(/^tls:/, 'nats:').replace(/\?.*$/, '') : value,
    ]);
    return secret(metadata.name, Object.fromEntries(files) as Record<string, string>);
  });

  it('adds TLS to an installation without', () => {
    const changed = run(former);
    const withAddresses = current.filter(({ data }) => Object.keys(data).some((key) => key.endsWith('-url')));
    expect(withAddresses).toHaveLength(12);
    expect(changed).toEqual(expect.arrayContaining(withAddresses));
    expect(names(changed).slice(0, -withAddresses.length)).toEqual(['leaver-ca', ...servers]);
  });

  it('renews the certificates of the servers, with the same CA', async () => {
    const made = await certificateSecrets(new Date());
    const renewed = run([...current, ...made]);
    expect(names(renewed)).toEqual(servers);
    const authority = filesOf(made, 'leaver-ca')['tls.crt']!;
    for (const name of servers) {
      const files = filesOf(renewed, name);
      expect(files['ca.crt']).toBe(authority);
      expect(files['tls.crt']).not.toBe(filesOf(made, name)['tls.crt']);
      expect(new X509Certificate(files['tls.crt']!).verify(new X509Certificate(authority).publicKey)).toBe(true);
    }
    expect(names(run([...current, ...made], '--new-ca'))).toEqual(['leaver-ca', ...servers]);
    expect(names(run([...current, ...made], '--cert-manager'))).toEqual([]);
  });
});

interface Pod {
  containers: { volumeMounts: { name: string; mountPath: string }[] }[];
  volumes: { name: string; secret?: { secretName: string; items?: { key: string }[] } }[];
}

ifRendered('pods', () => {
  const workloads = pods.flatMap((all) => [
    ...ofKind<{ template: { spec: Pod } }>(all!, 'Deployment'),
    ...ofKind<{ template: { spec: Pod } }>(all!, 'Job'),
  ]);

  it('have the certificate of the CA, and no private key', () => {
    for (const { metadata, spec } of workloads) {
      const { volumes, containers } = spec.template.spec;
      const { secret: source } = volumes.find(({ name }) => name === 'ca')!;
      expect([metadata.name, servers().includes(source!.secretName), source!.items]).toEqual([
        metadata.name,
        true,
        [{ key: 'ca.crt', path: 'ca.crt' }],
      ]);
      for (const { volumeMounts } of containers)
        expect(volumeMounts).toContainEqual({ name: 'ca', mountPath: '/run/secrets/leaver-ca', readOnly: true });
      const whole = volumes.filter(({ secret: one }) => one && !one.items).map(({ secret: one }) => one!.secretName);
      expect(whole.filter((name) => name === 'leaver-ca' || servers().includes(name))).toEqual([]);
    }
  });
});

const servers = () => SERVERS.map((server) => server.secret);

ifRendered('cert-manager', () => {
  interface Certificate {
    secretName: string;
    dnsNames: string[];
    usages: string[];
    issuerRef: { name: string };
  }
  const all = rendered('cert-manager') ?? [];
  const certificates = ofKind<Certificate>(all, 'Certificate');

  it('makes the same Secrets for the same names', () => {
    expect(certificates.map(({ spec }) => spec.secretName).sort()).toEqual(['leaver-ca', ...servers()].sort());
    for (const { secret: name, names, client } of SERVERS) {
      const { spec } = certificates.find(({ metadata }) => metadata.name === name)!;
      expect(spec).toMatchObject({ dnsNames: names, issuerRef: { name: 'leaver-ca' } });
      expect(spec.usages.includes('client auth')).toBe(client ?? false);
    }
  });
});
