-- graphrun's language server in Neovim 0.8 or later. Put this file into your runtime path as
-- `plugin/graphrun.lua`, or load it with `dofile`. Set `vim.g.graphrun_path` before, if
-- `graphrun` is not in PATH.

local group = vim.api.nvim_create_augroup("graphrun", {clear = true})

vim.api.nvim_create_autocmd({"BufReadPost", "BufNewFile"}, {
  group = group,
  pattern = {"*.graphrun.yaml", "*.test.yaml"},
  callback = function(event)
    vim.lsp.start({
      name = "graphrun",
      cmd = {vim.g.graphrun_path or "graphrun", "lsp"},
      root_dir = vim.fs.dirname(vim.api.nvim_buf_get_name(event.buf)),
      -- One server is enough for all graphs.
      reuse_client = function(client) return client.name == "graphrun" end,
    }, {bufnr = event.buf})
  end,
})
