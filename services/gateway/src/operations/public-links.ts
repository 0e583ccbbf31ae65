import { fieldsOf, type Class } from '#libs/contracts';
import { Injectable } from '@nestjs/common';
import { GatewayConfig, publicOrigin } from '../gateway.config.js';

/** Makes the links in responses absolute, because users pass them on to people who do not know the host. */
@Injectable()
export class PublicLinks {
  private readonly origin: string | undefined;

  constructor(config: GatewayConfig) {
    this.origin = publicOrigin(config);
  }

  /** Changes the answer in place. Without PUBLIC_URL its links stay paths. */
  complete(type: Class | undefined, answer: unknown): void {
    if (this.origin === undefined || type === undefined) return;
    for (const one of [answer].flat()) if (isObject(one)) this.completeFields(type, one, this.origin);
  }

  private completeFields(type: Class, answer: Record<string, unknown>, origin: string): void {
    for (const [name, { schema, nested }] of fieldsOf(type)) {
      const value = answer[name];
      if (nested) this.complete(nested(), value);
      else if (typeof value === 'string' && value.startsWith('/') && schema().format === 'uri-reference')
        answer[name] = origin + value;
    }
  }
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
