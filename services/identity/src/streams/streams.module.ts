import { Module } from '@nestjs/common';
import { StreamRequests } from './stream-requests.js';

/** The streams of the broker, which identity creates for everybody. */
@Module({ providers: [StreamRequests] })
export class StreamsModule {}
