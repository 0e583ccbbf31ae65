import { Clock } from '#libs/database';
import { Controller, Get, Header, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Milliseconds for which a measurement stands: however many ask, the database is asked this seldom. */
const MEASURED_FOR = 10_000;

/** Seconds, from a millisecond to the longest that anybody waits. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** The numbers that this service shows to Prometheus. Asking twice for the same name gives the same metric. */
@Injectable()
export class Metrics implements OnApplicationShutdown {
  private readonly registry = new Registry();
  readonly contentType = this.registry.contentType;
  private readonly measurements: (() => Promise<void>)[] = [];

  constructor(private readonly clock: Clock) {
    collectDefaultMetrics({ register: this.registry });
  }

  counter<L extends string = never>(name: string, help: string, labelNames: readonly L[] = []): Counter<L> {
    return this.known<Counter<L>>(name) ?? new Counter({ name, help, labelNames, registers: [this.registry] });
  }

  gauge<L extends string = never>(name: string, help: string, labelNames: readonly L[] = []): Gauge<L> {
    return this.known<Gauge<L>>(name) ?? new Gauge({ name, help, labelNames, registers: [this.registry] });
  }

  /** For durations in seconds, unless other buckets are given. */
  histogram<L extends string = never>(
    name: string,
    help: string,
    labelNames: readonly L[] = [],
    buckets: readonly number[] = BUCKETS,
  ): Histogram<L> {
    return (
      this.known<Histogram<L>>(name) ??
      new Histogram({ name, help, labelNames, buckets: [...buckets], registers: [this.registry] })
    );
  }

  /**
   * For what has to be looked up: `measure` sets gauges whenever the numbers are asked for, at most every ten seconds.
   * Where it fails the others are shown nevertheless, and `leaver_measurement_failures_total` counts it.
   */
  measured(measure: () => Promise<void>): void {
    const failures = this.counter('leaver_measurement_failures_total', 'Measurements that could not be made.');
    let madeAt = -Infinity;
    let current: Promise<void> = Promise.resolve();
    this.measurements.push(() => {
      const now = this.clock.millis();
      // A clock that was put back must not stop the measuring.
      if (Math.abs(now - madeAt) < MEASURED_FOR) return current;
      madeAt = now;
      // Counted and not logged: while the database is away every scrape would log the same.
      current = measure().catch(() => {
        failures.inc();
        madeAt = -Infinity;
      });
      return current;
    });
  }

  /** Everything, in Prometheus' text format. */
  async render(): Promise<string> {
    await Promise.all(this.measurements.map((measurement) => measurement()));
    return this.registry.metrics();
  }

  onApplicationShutdown(): void {
    this.registry.clear();
  }

  private known<M>(name: string): M | undefined {
    return this.registry.getSingleMetric(name) as M | undefined;
  }
}

@Controller('metrics')
export class MetricsController {
  constructor(private readonly metrics: Metrics) {}

  @Get()
  @Header('Content-Type', 'text/plain; version=0.0.4; charset=utf-8')
  render(): Promise<string> {
    return this.metrics.render();
  }
}
