import type { Operation } from '#libs/contracts';
import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { OPERATION } from '../operations/serves.js';
import { Authenticator } from './authenticator.js';
import { assertPermitted } from './permission.js';

/** Enforces the access and the scope that the operation declares. Routes without an operation (health, documentation) are public. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly authenticator: Authenticator,
  ) {}

  /** @throws Problem `unauthenticated`, `forbidden` */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const operation = this.reflector.get<Operation | undefined>(OPERATION, context.getHandler());
    if (!operation || operation.access === 'public') return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const principal = await this.authenticator.authenticate(request.headers.authorization);
    request.principal = principal;
    assertPermitted(operation, principal);
    return true;
  }
}
