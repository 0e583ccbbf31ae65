import { fieldTypes, OneOf, Pattern, Text, Whole, type Class } from '#libs/contracts';
import { validateSync } from 'class-validator';

export const LOG_LEVELS = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;

/**
 * Settings that every process has. Each field comes from the environment variable of its name in capitals: `natsUrl` from
 * `NATS_URL`. An empty variable counts as not set; a field's initial value is its default.
 */
export class BaseConfig {
  /** Name of the service, as in subjects and log lines. Not a setting. */
  serviceName: string;

  @Pattern(/^(nats|tls):\/\/\S+$/, 'the address of a NATS server, like nats://user:password@127.0.0.1:4222')
  natsUrl: string;

  /** 0 takes any free port. */
  @Whole({ max: 65_535 })
  port: number = 0;

  @Text()
  host: string = '127.0.0.1';

  @OneOf(LOG_LEVELS)
  logLevel: (typeof LOG_LEVELS)[number] = 'info';
}

/** A service with a database of its own. */
export class ServiceConfig extends BaseConfig {
  @Pattern(
    /^postgres(ql)?:\/\/\S+$/,
    'the address of a PostgreSQL database, like postgres://user:password@127.0.0.1:5432/name',
  )
  databaseUrl: string;
}

/** The environment lacks or garbles settings. The message names every one of them, and quotes none. */
export class ConfigError extends Error {
  constructor(
    serviceName: string,
    readonly faults: readonly string[],
  ) {
    super(
      `${serviceName} can't start, its settings need attention:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`,
    );
    this.name = 'ConfigError';
  }
}

export type Environment = Record<string, string | undefined>;

/**
 * Reads the settings of a service from environment variables.
 * @throws ConfigError naming all that is missing or wrong
 */
export function loadConfig<C extends BaseConfig>(type: Class<C>, serviceName: string, env: Environment): C {
  const config = new type();
  config.serviceName = serviceName;
  for (const [field, kind] of fieldTypes(type)) {
    const text = env[variable(field)];
    if (text !== undefined && text !== '') Object.assign(config, { [field]: convert(text, kind) });
  }
  const faults = validateSync(config).map(({ property, value, constraints = {} }) => {
    // The hint of a field's decorator begins with the field's name; the reader knows the variable's.
    const hint = (constraints.isInt ?? Object.values(constraints).at(-1) ?? 'is not valid')
      .replace(property, '')
      .trim();
    return `${variable(property)} ${value === undefined ? 'is not set; it ' : ''}${hint}`;
  });
  if (faults.length > 0) throw new ConfigError(serviceName, faults);
  return config;
}

const variable = (field: string): string => field.replace(/[A-Z]/g, '_$&').toUpperCase();

function convert(text: string, kind: string): unknown {
  if (kind === 'integer' || kind === 'number') return Number(text);
  if (kind === 'boolean') return text === 'true' ? true : text === 'false' ? false : text;
  return text;
}
