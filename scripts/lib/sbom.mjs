// The software bill of materials: which packages an image contains, with versions, licences and checksums.
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { npmCommand } from './prepare.mjs';
import { root } from './root.mjs';
import { shippedPackages } from './shipped-packages.mjs';

/** In the image: /app/dist/sbom.cdx.json. */
export const SBOM = 'dist/sbom.cdx.json';
const MAX_BYTES = 64 * 2 ** 20;

/**
 * @typedef {object} Component
 * @property {string} bom-ref
 * @property {string} name
 */
/**
 * A CycloneDX document, as far as it is changed here.
 * @typedef {object} Bom
 * @property {string} [serialNumber]
 * @property {{ timestamp?: string, component: Component }} metadata
 * @property {Component[]} components
 * @property {{ ref: string, dependsOn: string[] }[]} dependencies
 */

/**
 * Writes the bill of materials in CycloneDX format. The same package-lock.json gives the same document, so it has neither a
 * time nor a serial number.
 * @throws Error when npm cannot read package-lock.json
 */
export async function writeSbom() {
  const flags = ['sbom', '--sbom-format=cyclonedx', '--sbom-type=application', '--package-lock-only'];
  const [program, ...args] = npmCommand(flags);
  const { stdout } = await promisify(execFile)(program, args, { cwd: root, maxBuffer: MAX_BYTES });
  await mkdir(join(root, 'dist'), { recursive: true });
  await writeFile(join(root, SBOM), `${JSON.stringify(ofImage(JSON.parse(stdout)), null, 2)}\n`);
}

/**
 * @param {Bom} bom of all packages. With `--omit=dev`, npm leaves out what a development dependency uses as well.
 * @returns {Bom}
 */
function ofImage({
  serialNumber: _random,
  metadata: { timestamp: _now, ...metadata },
  components,
  dependencies,
  ...rest
}) {
  const shipped = new Set(shippedPackages().map(({ name, version }) => `${name}@${version}`));
  const parents = new Set([...shipped, metadata.component['bom-ref']]);
  return {
    ...rest,
    // npm names the folder of the project, which differs from machine to machine.
    metadata: { ...metadata, component: { ...metadata.component, name: 'leaver' } },
    components: components.filter((one) => shipped.has(one['bom-ref'])),
    dependencies: dependencies
      .filter(({ ref }) => parents.has(ref))
      .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((one) => shipped.has(one)) })),
  };
}
