// A certified OpenID provider to sign in at: https://www.npmjs.com/package/oidc-provider with its development pages.
//
// Its settings are one JSON object in LODGE_OP:
//   port             where to listen on 127.0.0.1; 0 or absent for any free port
//   client_id, client_secret, redirect_uris
//   accounts         { "student": { "name": "…", "groups": ["…"] }, … }: the claims of everyone who can sign in
//   id_token_claims  true: put the claims of the granted scopes in the ID token too, not only at userinfo
//
// Prints one line of JSON when it is ready, {"issuer": …, "port": …}, then one line for each request, METHOD PATH
// without its query, and ends when its standard input closes, so that it cannot outlive the test that started it.

import { createServer } from 'node:http'

import { load } from './load.mjs'

const settings = JSON.parse(process.env.LODGE_OP ?? '{}')
const accounts = settings.accounts ?? { student: { name: 'Sam Student', groups: ['vision-students'] } }

// The issuer holds the port, so the port must be known before the provider is made.
const server = createServer()
server.on('error', (error) => {
  console.error(`oidc-provider: cannot listen: ${error.message}`)
  process.exit(1)
})
await new Promise((listening) => server.listen(settings.port ?? 0, '127.0.0.1', listening))
const { port } = server.address()
const issuer = `http://127.0.0.1:${port}`

const { Provider } = await load('oidc-provider')

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: settings.client_id ?? 'lodge',
      client_secret: settings.client_secret ?? 'a-secret-for-tests-only',
      redirect_uris: settings.redirect_uris ?? ['http://127.0.0.1:8080/auth/campus/callback'],
      grant_types: ['authorization_code'],
      response_types: ['code'],
    },
  ],
  claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'], groups: ['groups'] },
  conformIdTokenClaims: !settings.id_token_claims,
  cookies: { keys: ['a-cookie-key-for-tests-only'] },
  pkce: { required: () => true },
  async findAccount(_context, id) {
    const claims = accounts[id]
    return claims && { accountId: id, claims: async () => ({ sub: id, ...claims }) }
  },
})
provider.on('server_error', (_context, error) => console.error('oidc-provider:', error))

const answer = provider.callback()
server.on('request', (request, response) => {
  console.log(`${request.method} ${request.url.split('?')[0]}`)
  return answer(request, response)
})
console.log(JSON.stringify({ issuer, port }))

process.stdin.resume()
process.stdin.on('end', () => process.exit(0))
process.stdin.on('error', () => process.exit(0))
