import type { Operation } from '#libs/contracts';
import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { OPERATION } from '../operations/serves.js';
import { Authenticator } from './authenticator.js';
import { BrowserSessions } from './browser-sessions.js';
import { assertPermitted } from './permission.js';

/** Enforces the access and the scope that the operation declares. Routes without an operation (health, documentation) are public. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly authenticator: Authenticator,
    private readonly browsers: BrowserSessions,
  ) {}

  /** @throws Problem `unauthenticated`, `forbidden`, `second-factor-missing`, `csrf-token-invalid` */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const operation = this.reflector.get<Operation | undefined>(OPERATION, context.getHandler());
    if (!operation || operation.access === 'public') return true;
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const { authorization, cookie } = request.headers;
    const principal =
      authorization === undefined && cookie !== undefined
        ? await this.browsers.authenticate(request, http.getResponse<FastifyReply>())
        : await this.authenticator.authenticate(authorization);
    request.principal = principal;
    assertPermitted(operation, principal);
    return true;
  }
}
