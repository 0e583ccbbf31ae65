import { Controller, Get, Header } from '@nestjs/common';
import { asyncApiDocument } from './document.js';

/** Serves the AsyncAPI document. */
@Controller()
export class AsyncApiController {
  private readonly document = JSON.stringify(asyncApiDocument());

  @Get('asyncapi.json')
  @Header('content-type', 'application/json; charset=utf-8')
  @Header('cache-control', 'public, max-age=60')
  asyncApi(): string {
    return this.document;
  }
}
