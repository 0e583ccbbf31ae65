// npm run pack:libs: packs the libraries for services of other teams as dist/kit/leaver-service-kit-<version>.tgz.
import { execFileSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { main } from './lib/prepare.mjs';
import { root } from './lib/root.mjs';

const NAME = '@leaver/service-kit';
const out = join(root, 'dist/kit');
const LIBRARIES = ['contracts', 'database', 'observability', 'jobs', 'broker', 'outbox', 'lifecycle', 'platform'];

/** @param {string} path */
const entry = (path) => ({ types: `./libs/${path}.d.ts`, default: `./libs/${path}.js` });

/**
 * The packages that compiled files import.
 * @param {string} pattern
 */
async function packagesIn(pattern) {
  const files = globSync(pattern, { cwd: out });
  const texts = await Promise.all(files.map((file) => readFile(join(out, file), 'utf8')));
  const specifiers = texts.flatMap((text) =>
    [...text.matchAll(/(?:from|import)\s*\(?'([^'.#][^']*)'/g)].map(([, specifier = '']) => specifier),
  );
  const names = specifiers
    .filter((specifier) => !isBuiltin(specifier))
    .map((specifier) => specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/'));
  return [...new Set(names)].sort();
}

/** Packages that Nest loads by name. */
const LOADED_BY_NAME = ['reflect-metadata', 'rxjs'];

async function manifest() {
  const project = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const versions = { ...project.dependencies, ...project.devDependencies };
  /** @param {string[]} names */
  const versionsOf = (names) => Object.fromEntries(names.map((name) => [name, versions[name]]));
  const needed = [
    ...new Set([...(await packagesIn(`libs/{${LIBRARIES.join()}}/src/**/*.js`)), ...LOADED_BY_NAME]),
  ].sort();
  const forTests = (
    await packagesIn('libs/{lifecycle/testing,platform/testing,test-kit/src,local-servers/src}/**/*.js')
  ).filter((name) => !needed.includes(name));
  return {
    name: NAME,
    version: project.version,
    description:
      'What a service needs to take part in departures: rules, the engine that applies them, and their tests.',
    license: project.license,
    type: 'module',
    engines: { node: '>=22.18' },
    imports: {
      '#libs/lifecycle/testing': './libs/lifecycle/testing/index.js',
      '#libs/platform/testing': './libs/platform/testing/index.js',
      '#libs/*': './libs/*/src/index.js',
    },
    exports: {
      ...Object.fromEntries(LIBRARIES.map((name) => [`./${name}`, entry(`${name}/src/index`)])),
      './testing': entry('lifecycle/testing/index'),
      './testing/service': entry('platform/testing/index'),
      './testing/servers': entry('test-kit/src/index'),
    },
    files: ['libs', 'LICENSE'],
    dependencies: versionsOf(needed),
    peerDependencies: versionsOf(forTests),
    peerDependenciesMeta: Object.fromEntries(forTests.map((name) => [name, { optional: true }])),
  };
}

await main(async () => {
  await mkdir(out, { recursive: true });
  execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'libs/tsconfig.kit.json'], {
    cwd: root,
    stdio: 'inherit',
  });
  const description = await manifest();
  await writeFile(join(out, 'package.json'), `${JSON.stringify(description, null, 2)}\n`);
  await copyFile(join(root, 'LICENSE'), join(out, 'LICENSE'));
  const file = `leaver-service-kit-${description.version}.tgz`;
  execFileSync('npm', ['pack', '--silent', '--pack-destination', out], {
    cwd: out,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  console.log(join('dist/kit', file));
});
