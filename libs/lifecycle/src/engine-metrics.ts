import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Clock } from '#libs/database';
import { Metrics } from '#libs/observability';
import { sql } from 'kysely';
import { ruleApplied, type RuleApplied } from './run/observe-statement.js';
import { RuleSet } from './run/rule-set.js';

/** Counts stop here: a measurement must not read a whole table. */
const MOST = 100_000;

interface Backlog {
  retrying: number;
  retryAge: number;
  failed: number;
  unreadable: number;
  tasks: number;
  taskRows: number;
  taskAge: number;
  pending: number;
  overdue: number;
  overdueAge: number;
  held: number;
}

/** Metrics about the backlog in this service's database and about its rules. The only labels are rule and action names. */
@Injectable()
export class EngineMetrics implements OnApplicationShutdown {
  private readonly gauges;
  private readonly seconds;
  private readonly rows;

  constructor(
    private readonly em: EntityManager,
    private readonly rules: RuleSet,
    private readonly clock: Clock,
    metrics: Metrics,
  ) {
    this.gauges = gaugesOf(metrics);
    this.seconds = metrics.histogram('leaver_rule_seconds', 'Duration of a rule statement.', ['rule', 'action']);
    this.rows = metrics.counter('leaver_rule_rows_total', 'Rows that rules have changed.', ['rule', 'action']);
    metrics.measured(() => this.measure());
    ruleApplied.subscribe(this.count);
  }

  onApplicationShutdown(): void {
    ruleApplied.unsubscribe(this.count);
  }

  /** Ignores the rules of other services in the same process. */
  private readonly count = (message: unknown): void => {
    const { rule, action, rows, seconds } = message as RuleApplied;
    if (!this.rules.rules.some(({ id }) => id === rule)) return;
    this.seconds.observe({ rule, action }, seconds);
    this.rows.inc({ rule, action }, rows);
  };

  private async measure(): Promise<void> {
    const now = this.clock.now();
    const age = (time: string) =>
      sql`greatest(extract(epoch from ${now}::timestamptz - min(${sql.ref(time)})), 0)::float8`;
    // Each count reads up to MOST entries.
    const { rows } = await sql<Backlog>`
      with retry as (
          (select received_at from inbox where status = 'retry' order by due_at limit ${MOST})
          union all
          (select i.received_at from task t join inbox i on i.user_id = t.user_id and i.lifecycle_version = t.lifecycle_version
            where t.attempts > 0 and t.due_at < 'infinity' order by t.due_at limit ${MOST})),
        failed as (select from inbox where status = 'failed' limit ${MOST}),
        letter as (select from dead_letter limit ${MOST}),
        open_task as (select affected, due_at from task order by due_at limit ${MOST}),
        pending as (
          select due_at, held_at from scheduled_action where status = 'pending' order by due_at limit ${MOST})
      select retry.*, failed.*, letter.*, open_task.*, pending.*
      from (select count(*)::int as retrying, ${age('received_at')} as "retryAge" from retry) retry,
        (select count(*)::int as failed from failed) failed,
        (select count(*)::int as unreadable from letter) letter,
        (select count(*)::int as tasks, coalesce(sum(affected), 0)::float8 as "taskRows", ${age('due_at')} as "taskAge"
          from open_task) open_task,
        (select count(*)::int as pending, count(held_at)::int as held,
          (count(*) filter (where due_at <= ${now} and held_at is null))::int as overdue,
          greatest(extract(epoch from ${now}::timestamptz - min(due_at) filter (where held_at is null)), 0)::float8 as "overdueAge"
          from pending) pending`.execute(this.em.fork().getKysely());
    for (const [name, gauge] of Object.entries(this.gauges)) gauge.set(rows[0]![name as keyof Backlog] ?? 0);
  }
}

function gaugesOf(metrics: Metrics) {
  return {
    retrying: metrics.gauge('leaver_inbox_retry', 'Events with a failure that will be retried.'),
    retryAge: metrics.gauge('leaver_inbox_retry_oldest_seconds', 'Time since the oldest of these events was received.'),
    failed: metrics.gauge('leaver_inbox_failed', 'Events that this service has given up on.'),
    unreadable: metrics.gauge('leaver_dead_messages', 'Messages that could not be decoded or stored.'),
    tasks: metrics.gauge('leaver_tasks_open', 'Steps that continue in chunks or are retried alone.'),
    taskRows: metrics.gauge('leaver_tasks_rows_done', 'Rows that the open tasks have changed so far.'),
    taskAge: metrics.gauge('leaver_task_overdue_seconds', 'How long the next chunk has been due.'),
    pending: metrics.gauge('leaver_scheduled_pending', 'Delayed effects that have not been applied or cancelled.'),
    overdue: metrics.gauge('leaver_scheduled_overdue', 'Delayed effects that are due and not under legal hold.'),
    overdueAge: metrics.gauge('leaver_scheduled_overdue_seconds', 'How long the oldest of these effects has been due.'),
    held: metrics.gauge('leaver_scheduled_held', 'Delayed effects that wait for the end of a legal hold.'),
  };
}
