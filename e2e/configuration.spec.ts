import type { Class } from '#libs/contracts';
import { settingsOf, ServiceConfig, type BaseConfig } from '#libs/platform';
import { describe, expect, it } from '@jest/globals';
import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { services } from '../scripts/lib/services.mjs';
import { settingsByService, withSettings } from '../scripts/settings-doc.mjs';
import { ContactsConfig } from '../services/contacts/src/contacts.config.js';
import { GatewayConfig } from '../services/gateway/src/gateway.config.js';
import { IdentityConfig } from '../services/identity/src/identity.config.js';
import { IntegrationsConfig } from '../services/integrations/src/integrations.config.js';
import { MessagingConfig } from '../services/messaging/src/messaging.config.js';
import { NotificationsConfig } from '../services/notifications/src/notifications.config.js';
import { TelephonyConfig } from '../services/telephony/src/telephony.config.js';
import { imageSets } from './deploy/configuration.js';

const classes: Record<string, Class<BaseConfig>> = {
  gateway: GatewayConfig,
  identity: IdentityConfig,
  contacts: ContactsConfig,
  messaging: MessagingConfig,
  telephony: TelephonyConfig,
  automations: ServiceConfig,
  integrations: IntegrationsConfig,
  insights: ServiceConfig,
  notifications: NotificationsConfig,
};
const withDatabase = services.filter((name) => name !== 'gateway');
const root = join(import.meta.dirname, '..');
const read = (path: string) => readFile(join(root, path), 'utf8');

const document = await read('docs/CONFIGURATION.md');
const bySection = new Map(
  document.split(/^## /m).map((section) => [section.slice(0, section.indexOf('\n')), section] as const),
);
const declared = await settingsByService(async (service) => classes[service]!, settingsOf);

const servicesIn = (cell: string): string[] =>
  cell === 'all' ? services : cell === 'all but gateway' ? withDatabase : cell.split(', ');

/** The settings that the document lists for each service, with their defaults. */
function documented(): string[] {
  const table = bySection
    .get('Services')!
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  return table.flatMap((line) => {
    const [, name, users, preset] = line.split('|').map((cell) => cell.trim());
    return servicesIn(users!).map((service) => `${service} ${name}=${preset}`);
  });
}

describe('docs/CONFIGURATION.md', () => {
  it('matches the output of `node scripts/settings-doc.mjs`', async () => {
    expect(document).toBe(withSettings(document, declared, await read('deploy/Dockerfile')));
  });

  it('lists exactly the settings of each service, with their defaults', () => {
    const expected = [...declared].flatMap(([service, settings]) =>
      settings.map(({ name, required, preset }) => {
        const shown = preset === undefined ? (required ? 'required' : 'none') : `\`${preset}\``;
        return `${service} \`${name}\`=${shown}`;
      }),
    );
    expect(documented().sort()).toEqual(expected.sort());
  });

  it('describes each setting', () => {
    const silent = [...declared.values()].flat().filter(({ about }) => about.length < 10);
    expect(silent).toEqual([]);
  });

  it('lists what npm start, the command line and the jobs read from the environment', async () => {
    const files = globSync(['cli/**/*.mjs', 'scripts/**/*.mjs', 'deploy/container/*.mjs'], { cwd: root });
    const texts = await Promise.all(
      // Tests, benchmarks and Node's tools have their own variables.
      files.filter((path) => !/scripts\/(test|bench)/.test(path)).map(read),
    );
    const found = texts.flatMap((text) => [
      ...text.matchAll(/\benv\.([A-Z][A-Z_]+)|(?:variable|setting|required)\((?:env, )?['`]([A-Z][A-Z_]+)/g),
    ]);
    const names = new Set(found.map(([, dotted, quoted]) => dotted ?? quoted!));
    const ofTools = ['NODE_COMPILE_CACHE', 'NODE_ENV', 'MALLOC_ARENA_MAX', 'TERM', 'PATH'];
    expect(names.size).toBeGreaterThan(8);
    expect([...names].filter((name) => !ofTools.includes(name) && !document.includes(`\`${name}\``))).toEqual([]);
  });
});

describe('the port of the gateway', () => {
  it('has the same default in the code, in the image, for npm start and in the documents', async () => {
    const { port } = new GatewayConfig();
    expect(imageSets('PORT')).toBe(port);
    expect(await read('scripts/launch.mjs')).toContain(`const DEFAULT_PORT = ${port};`);
    expect(bySection.get('npm start')).toMatch(new RegExp(`\`PORT\` +\\| ${port},`));
    expect(await read('cli/credentials.mjs')).toContain(`'http://localhost:${port}'`);
    expect(await read('docker-compose.yml')).toContain(`\${PORT:-${port}}:${port}`);
  });
});

describe('other documents', () => {
  it('point to this one instead of listing settings', async () => {
    const readme = await read('README.md');
    expect(readme).toContain('(docs/CONFIGURATION.md)');
    const inTables = readme.split('\n').filter((line) => line.startsWith('|') && /`[A-Z]+_[A-Z_]+`/.test(line));
    expect(inTables).toEqual([]);
  });
});
