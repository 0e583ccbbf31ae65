import { fieldTypes, type Class } from '#libs/contracts';
import { BaseConfig, ServiceConfig } from '#libs/platform';
import { describe, expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ContactsConfig } from '../services/contacts/src/contacts.config.js';
import { GatewayConfig } from '../services/gateway/src/gateway.config.js';
import { IdentityConfig } from '../services/identity/src/identity.config.js';
import { IntegrationsConfig } from '../services/integrations/src/integrations.config.js';
import { MessagingConfig } from '../services/messaging/src/messaging.config.js';

const classes: Record<string, Class<BaseConfig>> = {
  gateway: GatewayConfig,
  identity: IdentityConfig,
  contacts: ContactsConfig,
  messaging: MessagingConfig,
  telephony: ServiceConfig,
  automations: ServiceConfig,
  integrations: IntegrationsConfig,
  insights: ServiceConfig,
};
const everyService = Object.keys(classes);
const withDatabase = everyService.filter((name) => name !== 'gateway');

const nameOf = (field: string) => field.replace(/[A-Z]/g, '_$&').toUpperCase();

/** The settings of each service with their defaults, as text. */
const settings = everyService.flatMap((service) => {
  const defaults = new classes[service]!() as unknown as Record<string, unknown>;
  return [...fieldTypes(classes[service]!).keys()].map((field) => ({
    service,
    name: nameOf(field),
    preset: defaults[field] === undefined ? '' : String(defaults[field]),
  }));
});

const servicesIn = (cell: string): string[] =>
  cell === 'all' ? everyService : cell === 'all but gateway' ? withDatabase : cell.split(', ');

async function rows(): Promise<{ service: string; name: string; preset: string }[]> {
  const text = await readFile(join(import.meta.dirname, '../docs/CONFIGURATION.md'), 'utf8');
  const table = text.split('\n').filter((line) => line.startsWith('| `'));
  return table.flatMap((line) => {
    const [, name, services, preset] = line.split('|').map((cell) => cell.trim());
    return servicesIn(services!).map((service) => ({ service, name: plain(name!), preset: plain(preset!) }));
  });
}

const plain = (cell: string) => (/^`.*`$/.test(cell) ? cell.slice(1, -1) : '');
const sorted = (entries: readonly { service: string; name: string; preset: string }[]) =>
  entries.map(({ service, name, preset }) => `${service} ${name}=${preset}`).sort();

describe('docs/CONFIGURATION.md', () => {
  it('lists exactly the settings of each service, with their defaults', async () => {
    expect(sorted(await rows())).toEqual(sorted(settings));
  });
});
