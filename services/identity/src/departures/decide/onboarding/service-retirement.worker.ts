import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { StepWorker, WorkerContext } from '#libs/jobs';
import { sql } from 'kysely';
import { ServiceRetirement } from '../../store/service-retirement.js';

/** Departures per transaction. */
const AT_ONCE = 200;
/** A decision that was made at the same moment may still include the retired service. */
const POLL_MS = 30_000;

/** Takes retired services out of the open departures, some at a time. */
@Injectable()
export class ServiceRetirementWorker extends StepWorker {
  constructor(
    private readonly em: EntityManager,
    private readonly retirement: ServiceRetirement,
    context: WorkerContext,
  ) {
    super(context, { name: 'service-retirement', pollMs: POLL_MS });
  }

  protected override async step(): Promise<boolean> {
    return this.em.fork().transactional(async (em) => {
      const { rows } = await sql<{ service: string }>`select service from retired_service order by service`.execute(
        em.getKysely(),
      );
      let full = false;
      for (const { service } of rows) {
        const changed = await this.retirement.takeOut(service, AT_ONCE);
        if (changed > 0)
          this.log.info({ retired: service, departures: changed }, 'departures no longer wait for a service');
        full ||= changed === AT_ONCE;
      }
      return full;
    });
  }
}
