import { Principals } from '#libs/auth';
import { Problem, type Principal } from '#libs/contracts';
import { Injectable } from '@nestjs/common';

const API_TOKEN = 'lvr_';

/** Authenticates requests by access token or API token. */
@Injectable()
export class Authenticator {
  constructor(private readonly principals: Principals) {}

  /**
   * @param header the request's `Authorization` header
   * @throws Problem `unauthenticated`; `service-unavailable` when identity cannot be asked
   */
  async authenticate(header: string | undefined): Promise<Principal> {
    const token = /^Bearer +(\S+)$/i.exec(header ?? '')?.[1];
    if (!token) throw new Problem('unauthenticated');
    return token.startsWith(API_TOKEN) ? this.principals.introspected(token) : this.principals.ofAccessToken(token);
  }
}
