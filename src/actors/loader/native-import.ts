/** Node's own `import()`. Loaded by `require`, so that no test runner or bundler rewrites the expression. */
export const nativeImport = (url: string): Promise<Record<string, unknown>> => import(url);
