import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import type { Class } from '#libs/contracts';
import { serviceKeys } from '#libs/test-kit';
import { BaseConfig, loadConfig, ServiceConfig, settingsOf, type Environment } from '#libs/platform';
import { secretsOf, type InstallationSecrets } from '../../deploy/container/secrets-of.mjs';
import { brokerUsers, dataServices, services, signers } from '../../scripts/lib/services.mjs';

/** The absolute path of a file, given its path from the project's folder. */
export const file = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
export const text = (path: string): string => readFileSync(file(path), 'utf8');

/** The number that the image sets this variable to. */
export const imageSets = (variable: string): number =>
  Number(new RegExp(`^ENV .*\\b${variable}=(\\d+)`, 'm').exec(text('deploy/Dockerfile'))![1]);

/** The YAML documents in a text, as plain objects. @throws Error if one is malformed or has duplicate keys */
export function documents<T>(yaml: string): T[] {
  return parseAllDocuments(yaml, { merge: true }).map((document) => {
    if (document.errors[0]) throw document.errors[0];
    return document.toJS({ maxAliasCount: -1 }) as T;
  });
}

/** The files in a Secret of Kubernetes. */
export const decoded = (data: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(data).map(([name, base64]) => [name, Buffer.from(base64, 'base64').toString()]));

/** In place of the certificate of a CA. */
export const CERTIFICATE = '-----BEGIN CERTIFICATE-----';

/** The secrets of an installation, with passwords for tests. */
export function secretsToTry({ trusted = '/run/secrets/ca.crt', authority = CERTIFICATE } = {}): InstallationSecrets {
  const named = <T>(names: string[], value: T) => Object.fromEntries(names.map((name) => [name, value]));
  const long = 'a-secret-of-more-than-32-characters-for-tests';
  const keys = {
    master: long,
    contacts: long,
    integrations: long,
    notifications: long,
    nats: named(brokerUsers, long),
    databases: named(dataServices, { owner: long, runtime: long }),
    serviceKeys: Object.fromEntries(signers.map((name) => [name, serviceKeys(name).SERVICE_KEY])),
    subscribers: {},
  };
  return secretsOf(keys, { postgres: 'postgres:5432', nats: 'nats:4222', trusted }, authority);
}

/** All services, the gateway first. */
export const SERVICES = services;

/** The class of a service's settings. */
async function configOf(service: string): Promise<Class<BaseConfig>> {
  const source = file(`services/${service}/src/${service}.config.ts`);
  if (!existsSync(source)) return ServiceConfig;
  const exported: object = await import(source);
  return Object.values(exported).find((one): one is Class<BaseConfig> => one.prototype instanceof BaseConfig)!;
}

/** Settings of Node. */
const NODE_SETTINGS = ['NODE_OPTIONS'];

/**
 * Reads a container's environment as the service would, and the files that it names from these secrets.
 * @returns the variables that the service does not know
 * @throws ConfigError if settings are missing or wrong; Error if a file is not among the secrets
 */
export async function unknownVariables(
  service: string,
  env: Record<string, string>,
  secrets: Record<string, string>,
): Promise<string[]> {
  const config = await configOf(service);
  const resolved: Environment = Object.fromEntries(
    Object.entries(env).map(([name, value]) => {
      if (!name.endsWith('_FILE')) return [name, value];
      const secret = secrets[basename(value)];
      if (!secret) throw new Error(`${service} reads ${value}, which is not among its secrets`);
      return [name.replace(/_FILE$/, ''), secret];
    }),
  );
  loadConfig(config, service, resolved);
  const known = settingsOf(config).map(({ name }) => name);
  return Object.keys(resolved).filter((name) => !known.includes(name) && !NODE_SETTINGS.includes(name));
}
