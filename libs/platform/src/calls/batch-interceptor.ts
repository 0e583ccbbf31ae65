import type { Delivery } from '#libs/broker';
import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { finalize, type Observable } from 'rxjs';
import { Metrics } from '#libs/observability';

/** Histogram buckets, up to the largest batch. */
const SIZES = [1, 2, 5, 10, 20, 50, 100, 200, 500];

/** Counts and times the batches of stream messages that this service handles. */
@Injectable()
export class BatchInterceptor implements NestInterceptor {
  private readonly seconds;
  private readonly messages;
  private readonly redelivered;

  constructor(metrics: Metrics) {
    this.seconds = metrics.histogram('leaver_batch_seconds', 'Time to handle a batch of messages.', ['handler']);
    this.messages = metrics.histogram('leaver_batch_messages', 'Messages in a batch.', ['handler'], SIZES);
    this.redelivered = metrics.counter(
      'leaver_messages_redelivered_total',
      'Messages that the broker had delivered before.',
      ['handler'],
    );
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const batch = context.switchToRpc().getData<Delivery[]>();
    const handler = `${context.getClass().name}.${context.getHandler().name}`;
    this.messages.observe({ handler }, batch.length);
    this.redelivered.inc({ handler }, batch.filter(({ deliveries }) => deliveries > 1).length);
    const stop = this.seconds.startTimer({ handler });
    return next.handle().pipe(finalize(() => stop()));
  }
}
