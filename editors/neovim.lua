-- graphrun's language server in Neovim 0.7 or later. Put this file into your runtime path as
-- `plugin/graphrun.lua`, or load it with `dofile`. Set `vim.g.graphrun_path` before, if
-- `graphrun` is not in PATH.

local client -- one server is enough for all graphs

local function attach(buf)
  local config = {
    name = "graphrun",
    cmd = {vim.g.graphrun_path or "graphrun", "lsp"},
    root_dir = vim.fn.fnamemodify(vim.api.nvim_buf_get_name(buf), ":p:h"),
    reuse_client = function(other) return other.name == "graphrun" end,
  }
  if vim.lsp.start then
    vim.lsp.start(config, {bufnr = buf})
    return
  end
  if not (client and vim.lsp.get_client_by_id(client)) then -- Neovim 0.7
    client = vim.lsp.start_client(config)
  end
  if client then
    vim.lsp.buf_attach_client(buf, client)
    vim.bo[buf].omnifunc = "v:lua.vim.lsp.omnifunc"
  end
end

vim.api.nvim_create_autocmd({"BufReadPost", "BufNewFile"}, {
  group = vim.api.nvim_create_augroup("graphrun", {clear = true}),
  pattern = {"*.graphrun.yaml", "*.test.yaml"},
  callback = function(event) attach(event.buf) end,
})
