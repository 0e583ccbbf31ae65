import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import { fieldTypes, type Class } from '#libs/contracts';
import { BaseConfig, loadConfig, ServiceConfig, type Environment } from '#libs/platform';
import { secretsOf, type InstallationSecrets } from '../../deploy/container/secrets-of.mjs';
import { brokerUsers, dataServices, services } from '../../scripts/lib/services.mjs';

/** A file of the project, by its path from the project's folder. */
export const file = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
export const text = (path: string): string => readFileSync(file(path), 'utf8');

/** The YAML documents of a text, as plain objects. @throws Error when one is malformed or repeats a key */
export function documents<T>(yaml: string): T[] {
  return parseAllDocuments(yaml, { merge: true }).map((document) => {
    if (document.errors[0]) throw document.errors[0];
    return document.toJS({ maxAliasCount: -1 }) as T;
  });
}

/** The secrets of an installation, with passwords for tests. */
export function secretsToTry(): InstallationSecrets {
  const named = <T>(names: string[], value: T) => Object.fromEntries(names.map((name) => [name, value]));
  const long = 'a-secret-of-more-than-32-characters-for-tests';
  const keys = {
    master: long,
    contacts: long,
    integrations: long,
    nats: named(brokerUsers, long),
    databases: named(dataServices, { owner: long, runtime: long }),
  };
  return secretsOf(keys, { postgres: 'postgres:5432', nats: 'nats:4222' });
}

/** All services, the gateway first. */
export const SERVICES = services;

/** The class of a service's own settings. */
async function configOf(service: string): Promise<Class<BaseConfig>> {
  const source = file(`services/${service}/src/${service}.config.ts`);
  if (!existsSync(source)) return ServiceConfig;
  const exported: object = await import(source);
  return Object.values(exported).find((one): one is Class<BaseConfig> => one.prototype instanceof BaseConfig)!;
}

/** Not for us but for Node. */
const FOREIGN = ['NODE_OPTIONS'];

/**
 * Reads a container's environment as the service would, with each file it names taken from the secrets it is given.
 * @returns the variables that the service knows nothing about
 * @throws ConfigError when settings are missing or wrong; Error when a file is not among the secrets
 */
export async function strangers(
  service: string,
  env: Record<string, string>,
  secrets: Record<string, string>,
): Promise<string[]> {
  const config = await configOf(service);
  const resolved: Environment = Object.fromEntries(
    Object.entries(env).map(([name, value]) => {
      if (!name.endsWith('_FILE')) return [name, value];
      const secret = secrets[basename(value)];
      if (!secret) throw new Error(`${service} is told to read ${value}, which nobody gives it`);
      return [name.replace(/_FILE$/, ''), secret];
    }),
  );
  loadConfig(config, service, resolved);
  const known = [...fieldTypes(config).keys()].map((field) => field.replace(/[A-Z]/g, '_$&').toUpperCase());
  return Object.keys(resolved).filter((name) => !known.includes(name) && !FOREIGN.includes(name));
}
