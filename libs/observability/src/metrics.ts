import { Clock } from '#libs/database';
import { Controller, Get, Header, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Milliseconds for which a measurement is reused, however many scrapes there are, to limit queries to the database. */
const MEASURED_FOR = 10_000;

/** Seconds, from a millisecond to the longest request. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** The Prometheus metrics of this service. Asking for an existing name returns the same metric. */
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

  /** A histogram of durations in seconds, unless other buckets are given. */
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
   * Registers a measurement that sets gauges when the metrics are read, at most every ten seconds. If one fails, the
   * others are still shown, and `leaver_measurement_failures_total` counts it.
   */
  measured(measure: () => Promise<void>): void {
    const failures = this.counter('leaver_measurement_failures_total', 'Measurements that could not be made.');
    let madeAt = -Infinity;
    let current: Promise<void> = Promise.resolve();
    this.measurements.push(() => {
      const now = this.clock.millis();
      // The absolute value, so that a clock that was set back does not stop the measurements.
      if (Math.abs(now - madeAt) < MEASURED_FOR) return current;
      madeAt = now;
      // Counted but not logged: while the database is down, every scrape would log the same failure.
      current = measure().catch(() => {
        failures.inc();
        madeAt = -Infinity;
      });
      return current;
    });
  }

  /** All metrics in Prometheus' text format. */
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
