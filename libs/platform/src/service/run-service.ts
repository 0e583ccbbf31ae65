import { safeErrorFields, createLogger } from '#libs/observability';
import { BaseConfig, ConfigError } from './config.js';
import { startService, type ServiceOptions } from './service.js';

const CLOSE_LIMIT = 5_000;

/**
 * Runs a service: settings from the environment, a graceful stop on SIGTERM or SIGINT, and exit code 1 on an uncaught
 * error. Tells the parent process when the service is ready.
 */
export async function runService(options: Omit<ServiceOptions, 'env'>): Promise<void> {
  const log = createLogger(Object.assign(new BaseConfig(), { serviceName: options.name }));
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      log.fatal({ event, ...safeErrorFields(error) }, 'exiting after an uncaught error');
      process.exit(1);
    });
  }
  const starting = startService({ ...options, env: process.env });
  const stop = () => {
    setTimeout(() => process.exit(1), CLOSE_LIMIT).unref();
    starting
      .then((service) => service.close())
      .then(
        () => process.exit(0),
        (error: unknown) => {
          log.fatal({ ...safeErrorFields(error) }, 'could not stop');
          process.exit(1);
        },
      );
  };
  // `disconnect`: the parent process is gone.
  for (const event of ['SIGTERM', 'SIGINT', 'disconnect'] as const) process.once(event, stop);
  const service = await starting.catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : undefined;
    if (error instanceof ConfigError) process.stderr.write(`${reason}\n`);
    else log.fatal({ ...safeErrorFields(error), reason }, 'could not start');
    process.exit(1);
  });
  process.send?.({ type: 'ready', port: service.port });
}
