import { SERVER_CERTIFICATE, SERVER_KEY } from '#libs/local-servers';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endOf, newAuthority, type Certified } from '../deploy/container/certificates.mjs';
import { AUTHORITY, serverCertificates, type Renewal } from '../deploy/container/server-certificates.mjs';
import { readSecrets } from '../scripts/lib/home.mjs';

describe('the secrets of an installation', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'leaver-secrets-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('are generated once', async () => {
    const first = await readSecrets(folder);
    expect(Object.keys(first.databases)).toContain('identity');
    expect(await readSecrets(folder)).toEqual(first);
    expect(JSON.parse(await readFile(join(folder, 'secrets.json'), 'utf8'))).toEqual(first);
  });

  it('are not replaced when their file cannot be read', async () => {
    await mkdir(join(folder, 'secrets.json'));
    await expect(readSecrets(folder)).rejects.toThrow('EISDIR');
  });
});

describe('the certificates of an installation with Docker Compose', () => {
  const SERVERS = { postgres: ['postgres', 'localhost'], nats: ['nats', 'localhost'] };
  const today = new Date();
  const later = (days: number) => new Date(today.getTime() + days * 86_400_000);
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'leaver-certificates-'));
    for (const name of ['all', ...Object.keys(SERVERS)]) await mkdir(join(folder, name));
  });
  afterEach(() => rm(folder, { recursive: true }));

  /** As the job does it. */
  const made = async ({ now = today, renewal = 'due', servers = SERVERS }: Partial<Made> = {}) => {
    const result = await serverCertificates(folder, servers, { now, renewal });
    await save('all', AUTHORITY, result.authority);
    for (const [name, pair] of Object.entries(result.servers))
      await save(name, { certificate: SERVER_CERTIFICATE, key: SERVER_KEY }, pair);
    return result;
  };
  const save = async (name: string, files: Certified, { certificate, key }: Certified) => {
    await writeFile(join(folder, name, files.certificate), certificate);
    await writeFile(join(folder, name, files.key), key);
  };

  it('are made once', async () => {
    const first = await made();
    expect(await made({ now: later(300) })).toEqual(first);
    expect(endOf(first.authority.certificate).getTime()).toBeGreaterThan(later(3_600).getTime());
    expect(endOf(first.servers.nats!.certificate).getTime()).toBeGreaterThan(later(700).getTime());
  });

  it('are replaced when they end within a year, the CA not', async () => {
    const { authority, servers } = await made();
    const next = await made({ now: later(400) });
    expect(next.authority).toEqual(authority);
    for (const name of Object.keys(SERVERS)) {
      expect(next.servers[name]).not.toEqual(servers[name]);
      expect(endOf(next.servers[name]!.certificate).getTime()).toBeGreaterThan(later(1_100).getTime());
    }
  });

  it('never end after the CA', async () => {
    const { authority } = await made();
    const { servers } = await made({ now: later(3_600) });
    expect(endOf(servers.nats!.certificate)).toEqual(endOf(authority.certificate));
  });

  it('are replaced on request, with or without the CA', async () => {
    const { authority, servers } = await made();
    const renewed = await made({ renewal: 'servers' });
    expect([renewed.authority, renewed.servers.postgres]).toEqual([
      authority,
      expect.not.objectContaining(servers.postgres!),
    ]);
    expect((await made({ renewal: 'authority' })).authority).not.toEqual(authority);
  });

  it('are replaced if one is damaged, of another CA, or lacks a name', async () => {
    const { servers } = await made();
    await writeFile(join(folder, 'nats', SERVER_KEY), servers.postgres!.key);
    const mended = await made();
    expect([mended.servers.postgres, mended.servers.nats]).toEqual([
      servers.postgres,
      expect.not.objectContaining(servers.nats!),
    ]);
    await save('all', AUTHORITY, await newAuthority(today));
    const others = await made();
    expect(others.servers.postgres).not.toEqual(servers.postgres);
    const named = await made({ servers: { ...SERVERS, nats: ['nats', 'nats.example.com'] } });
    expect([named.servers.postgres, named.servers.nats]).toEqual([
      others.servers.postgres,
      expect.not.objectContaining(others.servers.nats!),
    ]);
  });
});

interface Made {
  now: Date;
  renewal: Renewal;
  servers: Record<string, string[]>;
}
