import type { Operation } from '#libs/contracts';
import { applyDecorators, Delete, Get, HttpCode, Patch, Post, Put, SetMetadata } from '@nestjs/common';

export const OPERATION = 'leaver:operation';

const METHODS = { GET: Get, POST: Post, PUT: Put, PATCH: Patch, DELETE: Delete };

/** Makes the method serve this operation: sets its route, its status, and the access that the guard enforces. */
export const Serves = (operation: Operation): MethodDecorator =>
  applyDecorators(
    METHODS[operation.method](operation.path),
    HttpCode(operation.status),
    SetMetadata(OPERATION, operation),
  );
