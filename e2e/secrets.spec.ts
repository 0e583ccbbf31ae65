import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
