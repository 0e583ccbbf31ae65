import { isConnected, NATS, STREAMS } from '#libs/broker';
import { EntityManager } from '@mikro-orm/postgresql';
import { Controller, Get, Inject, Injectable, Optional } from '@nestjs/common';
import { HealthCheck, HealthCheckService, HealthIndicatorService, type HealthCheckResult } from '@nestjs/terminus';
import type { NatsConnection } from '@nats-io/transport-node';

type Check = () => boolean | Promise<boolean>;

/** The readiness checks of this process. A service adds its own; a check that throws has failed. */
@Injectable()
export class Readiness {
  private readonly checks = new Map<string, Check>();

  constructor(
    @Inject(NATS) nats: NatsConnection,
    @Inject(STREAMS) streams: NatsConnection,
    @Optional() em?: EntityManager,
  ) {
    this.add('nats', () => isConnected(nats) && isConnected(streams));
    if (em)
      this.add('database', () =>
        em
          .fork()
          .getConnection()
          .execute('select 1')
          .then(() => true),
      );
  }

  add(name: string, check: Check): void {
    this.checks.set(name, check);
  }

  entries(): [string, Check][] {
    return [...this.checks];
  }
}

@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    private readonly readiness: Readiness,
  ) {}

  /**
   * Liveness: the process responds. Dependencies are not checked, or one broken database would restart every service.
   */
  @Get('live')
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  @Get('ready')
  @HealthCheck()
  ready(): Promise<HealthCheckResult> {
    return this.health.check(
      this.readiness.entries().map(([name, check]) => async () => {
        const indicator = this.indicators.check(name);
        // The response says which check has failed; the reason is in the log.
        const well = await Promise.resolve()
          .then(check)
          .catch(() => false);
        return well ? indicator.up() : indicator.down();
      }),
    );
  }
}
