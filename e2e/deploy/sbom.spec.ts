import { describe, expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SBOM, writeSbom } from '../../scripts/lib/sbom.mjs';
import { root } from '../../scripts/lib/root.mjs';
import { shippedLicences } from '../../scripts/licences.mjs';

interface Component {
  name: string;
  version: string;
  purl: string;
  hashes: { alg: string; content: string }[];
}

describe('the bill of materials', () => {
  it('lists exactly the packages of the image, with their checksums, and depends only on the lock file', async () => {
    await writeSbom();
    const first = await readFile(join(root, SBOM), 'utf8');
    const { bomFormat, metadata, components } = JSON.parse(first);
    expect(bomFormat).toBe('CycloneDX');
    expect(metadata.component).toMatchObject({ name: 'leaver', type: 'application' });
    const listed = components as Component[];
    expect(listed.find(({ name }) => name === 'fastify')).toMatchObject({
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      purl: expect.stringMatching(/^pkg:npm\/fastify@/),
      hashes: [{ alg: 'SHA-512', content: expect.stringMatching(/^[0-9a-f]{128}$/) }],
    });
    const shipped = shippedLicences().map(({ name }) => name.replace(/^.+ in /, ''));
    expect(new Set(listed.map(({ name }) => name))).toEqual(new Set(shipped));
    await writeSbom();
    expect(await readFile(join(root, SBOM), 'utf8')).toBe(first);
  });
});
